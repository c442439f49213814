# Such a sub-agent fails and tries again: an attempt, and the other call stays free.
a 09:00:00 S
  user: count twice
  call t1 Agent: count
  call t2 Agent: count
b 09:00:01 S
  user: count
  fails
c 09:00:02 S
  user: count
  answer: 3
d 09:00:03 S
  user: count
  answer: 4
e 09:00:04 S
  user: count
  answer: 5
expect b subagent of a on subtask_1 task t1
expect c attempt of b on subtask_1
expect d subagent of a on subtask_2 task t2
expect e attempt of d
