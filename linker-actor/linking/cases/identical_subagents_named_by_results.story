# The results say which agent each call started: that wins over the order.
a 09:00:00 S
  user: count twice
  call t1 Agent: count the files
  call t2 Agent: count the files
b 09:00:01 S/x
  user: count the files
c 09:00:02 S/y
  user: count the files
d 09:00:05 S
  after a
  result t1: Two. agentId: y (use SendMessage)
  result t2: Three. agentId: x (use SendMessage)
expect b subagent of a on subtask_2 task t2 by agent_result
expect c subagent of a on subtask_1 task t1 by agent_result
expect d turn of a on main
