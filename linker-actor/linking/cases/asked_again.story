# Going back and asking the same once more is a branch when the first was answered, a retry when it was not.
a 09:00:00 S
  user: one
  answer: 1
b 09:00:10 S
  after a
  user: two
  answer: 2
c 09:00:20 S
  upto b
  answer: II
d 09:00:30 S
  after c
  user: three
  cut
e 09:00:40 S
  upto d
  answer: 3
f 09:00:50 S
  after e
  user: four
g 09:00:51 S
  upto f
  answer: 4
expect b turn of a on main
expect c turn of a on branch_090020
expect d turn of c on branch_090020
expect e attempt of d on branch_090020
expect g attempt of f on branch_090020
