# Older clients name no agents: the prompt alone leads to the call, each call once.
a 09:00:00 ~S
  user: count twice
  call t1 Task: count the files
  call t2 Task: count the files
b 09:00:01 ~S
  user: count the files
  answer: 2
c 09:00:02 ~S
  user: count the files
  answer: 3
d 09:00:05 ~S
  after a
  result t1: 2
  result t2: 3
expect b subagent of a on subtask_1 task t1 by prompt
expect c subagent of a on subtask_2 task t2 by prompt
expect d turn of a on main
