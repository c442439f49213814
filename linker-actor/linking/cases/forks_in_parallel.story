# Three forks of one parent in parallel: three branches.
a 09:00:00 S
  user: hi
  answer: Hello.
b 09:00:10 S1
  after a
  user: one
  answer: 1
c 09:00:11 S2
  after a
  user: two
  answer: 2
d 09:00:12 S3
  after a
  user: three
  answer: 3
e 09:00:20 S2
  after c
  user: four
  answer: 4
expect a root on main
expect b turn of a on main
expect c turn of a on branch_090011
expect d turn of a on branch_090012
expect e turn of c on branch_090011
