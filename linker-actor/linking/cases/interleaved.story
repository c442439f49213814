# Two sessions with the same words at the same time, and the answers that tell them apart.
a 09:00:00 -
  user: pick a number
  answer: 4
b 09:00:01 -
  user: pick a number
  answer: 7
c 09:00:02 -
  after a
  user: double it
  answer: 8
d 09:00:03 -
  after b
  user: double it
  answer: 14
expect b root apart a
expect c turn of a on main
expect d turn of b on main
