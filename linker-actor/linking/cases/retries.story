# The same body again after errors and cuts is an attempt of the same step.
a 09:00:00 S
  user: hi
  fails
b 09:00:01 S
  upto a
  answer: Hel
  cut
c 09:00:02 S
  upto a
  answer: Hello.
d 09:00:03 S
  after c
  user: next
expect a root on main
expect b attempt of a on main
expect c attempt of b on main
expect d turn of c on main
