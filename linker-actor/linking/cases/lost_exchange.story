# An exchange that was never recorded does no harm.
a 09:00:00 S
  user: one
  answer: 1
c 09:00:20 S
  after a
  user: two
  assistant: 2
  user: three
  assistant: 3
  user: four
expect c turn of a on main
