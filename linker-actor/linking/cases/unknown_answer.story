# A candidate whose answer is unknown goes before one whose answer differs.
a 09:00:00 -
  user: pick a number
  pending
b 09:00:01 -
  user: pick a number
  answer: 7
c 09:00:02 -
  user: pick a number
  assistant: 4
  user: double it
expect c turn of a on main
