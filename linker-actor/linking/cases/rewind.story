# Rewinding sends an old prefix in the same session: a new branch.
a 09:00:00 S
  user: one
  answer: 1
b 09:00:10 S
  after a
  user: two
  answer: 2
c 09:00:20 S
  after b
  user: three
  answer: 3
d 09:00:30 S
  after a
  user: another two
  answer: II
e 09:00:40 S
  after d
  user: another three
expect b turn of a on main
expect c turn of b on main
expect d turn of a on branch_090030
expect e turn of d on branch_090030
