# A thread goes on in another domain: the session is the same.
a 09:00:00 S
  domain one
  user: one
  answer: 1
b 09:00:01 S
  domain two
  thread a
  user: two
expect b turn of a on main by thread
