# Message threads: only what is new is sent; a fork and a lost thread send the whole history again.
a 09:00:00 -
  user: one
  answer: 1
b 09:00:01 -
  thread a
  user: two
  answer: 2
c 09:00:02 -
  thread b
  user: three
  answer: 3
d 09:00:03 -
  thread c
  user: four
  fails
e 09:00:04 -
  user: one
  assistant: 1
  user: two
  assistant: 2
  user: three
  assistant: 3
  user: four
  answer: 4
f 09:00:05 -
  thread e
  user: five
g 09:00:06 -
  user: one
  assistant: 1
  user: two
  assistant: 2
  user: fork
expect a root on main
expect b turn of a on main by thread
expect c turn of b on main
expect d turn of c on main
expect e attempt of d on main
expect f turn of e on main
expect g turn of b on branch_090006 by domain_prefix
