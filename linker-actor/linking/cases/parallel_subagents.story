# Several sub-agents in parallel, their prompts behind reminders: each hangs on its call.
a 09:00:00 S
  user: do three things
  call t1 Agent: count the files
  call t2 Agent: read the notes
  call t3 Agent: find the bug
b 09:00:01 S/x
  user: <system-reminder>Be brief.</system-reminder>
  block: find the bug
  answer: found
c 09:00:02 S/y
  user: <system-reminder>Be brief.</system-reminder>
  block: count the files
  answer: three
d 09:00:03 S/z
  user: <system-reminder>Be brief.</system-reminder>
  block: read the notes
  answer: read
e 09:00:09 S
  after a
  result t1: three
  result t2: read
  result t3: found
  answer: All done.
expect b subagent of a on subtask_3 task t3
expect c subagent of a on subtask_1 task t1
expect d subagent of a on subtask_2 task t2
expect e turn of a on main
