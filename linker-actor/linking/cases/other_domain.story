# Never across domains, unless the session is the same.
a 09:00:00 S
  domain one.example
  user: hi
  answer: Hello.
b 09:00:01 -
  domain two.example
  after a
  user: next
c 09:00:02 S
  domain two.example
  after a
  user: next
expect b root apart a
expect c turn of a on main
