# A fork, and a fork of it, in the same second.
a 09:00:00 S
  user: hi
  answer: Hello.
b 09:00:05 S
  after a
  user: one
  answer: 1
c 09:00:10 T
  after a
  user: two
  answer: 2
d 09:00:10.2 T
  after c
  user: three
  answer: 3
e 09:00:10.5 U
  after c
  user: four
  answer: 4
expect b turn of a on main
expect c turn of a on branch_090010
expect d turn of c on branch_090010
expect e turn of c on branch_090010_2
