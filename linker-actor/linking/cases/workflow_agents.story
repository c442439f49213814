# Agents of a workflow have no matching prompt: only the headers tie them, any number to one call.
a 09:00:00 S
  user: run the workflow
  call t1 Workflow: script
b 09:00:01 S/x
  user: Stage one of the plan.
  answer: done
c 09:00:02 S/y
  user: Stage two of the plan.
  answer: done
d 09:00:03 S/x
  after b
  user: more
e 09:00:04 S
  after a
  result t1: finished
expect b subagent of a on subtask_1 task t1 by agent_header
expect c subagent of a on subtask_2 task t1 by agent_header
expect d turn of b on subtask_1
expect e turn of a on main
