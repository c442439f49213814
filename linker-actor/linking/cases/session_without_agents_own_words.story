# A session without agents in its headers hands its own first words to a sub-agent.
a 09:00:00 S
  user: count
  call t1 Agent: count
b 09:00:01 S
  user: count
  answer: 3
c 09:00:02 S
  after a
  result t1: 3
expect b subagent of a on subtask_1 task t1 by prompt
expect c turn of a on main
