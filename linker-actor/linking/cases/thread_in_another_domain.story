# A thread goes on in another domain, and back: the session is the same. Without a session it does not.
a 09:00:00 S
  domain one
  user: one
  answer: 1
b 09:00:01 S
  domain two
  thread a
  user: two
  answer: 2
c 09:00:02 S
  domain one
  thread b
  user: three
  answer: 3
d 09:00:03 S
  domain two
  user: one
  assistant: 1
  user: two
  assistant: 2
  user: three
  assistant: 3
  user: four
e 09:00:04 -
  domain two
  thread a
  user: five
expect b turn of a on main by thread
expect c turn of b on main by thread
expect d turn of c on main
expect e root apart a
