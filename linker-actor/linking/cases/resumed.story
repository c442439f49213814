# A session resumed under a new id goes on where it was; one that is left behind forks later.
a 09:00:00 S
  user: hi
  answer: Hello.
b 09:00:10 S
  after a
  user: more
  answer: More.
c 09:00:20 T
  after b
  user: resumed
  answer: Resumed.
d 09:00:30 S
  after b
  user: the old session
expect c turn of b on main by domain_prefix
expect d turn of b on branch_090030 by agent_prefix
