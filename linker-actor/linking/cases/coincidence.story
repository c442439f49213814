# Many unrelated sessions begin with the same words; each goes on for itself.
a 09:00:00 S1
  user: hi
  answer: Hello.
b 09:00:01 S2
  user: hi
  answer: Hello.
c 09:00:02 -
  user: hi
  answer: Hello.
d 09:00:03 S1
  after a
  user: one
e 09:00:04 S2
  after b
  user: one
f 09:00:05 -
  user: hi
  domain other.example
expect a root
expect b root apart a
expect c root apart b
expect d turn of a on main
expect e turn of b on main
expect f root apart c
