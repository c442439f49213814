# A session's exchange with nothing in common hangs on its session, weakly.
a 09:00:00 S
  user: hi
  answer: Hello.
b 09:00:10 S
  user: something else
  assistant: entirely
  user: new
expect b turn of a on main by session
