# A sub-agent starts one of its own.
a 09:00:00 S
  user: go deep
  call t1 Agent: dig
b 09:00:01 S/x
  user: dig
  call t2 Agent: dig
c 09:00:02 S/y^x
  user: dig
  answer: deep
d 09:00:03 S/x
  after b
  result t2: deep
  answer: deep
e 09:00:04 S
  after a
  result t1: deep
expect b subagent of a on subtask_1 task t1
expect c subagent of b on subtask_2 task t2 with a
expect d turn of b on subtask_1
expect e turn of a on main
