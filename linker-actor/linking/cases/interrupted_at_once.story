# A prompt interrupted before anything was said goes back to be changed: the next one stands beside it.
a 09:00:00 S
  user: start
  answer: Started.
b 09:00:05 S
  after a
  user: do thsi
  aborted
c 09:00:09 S
  after a
  user: do this
  answer: Done.
d 09:00:15 S
  after c
  user: good
expect b turn of a on main
expect c turn of a on branch_090009
expect d turn of c on branch_090009
