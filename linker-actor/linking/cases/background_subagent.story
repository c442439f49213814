# A sub-agent in the background finishes after the parent has gone on, and is continued later.
a 09:00:00 S
  user: start it
  call t1 Agent: watch the log
b 09:00:01 S/x
  user: watch the log
  call t2 Bash: tail
c 09:00:02 S
  after a
  result t1: Async agent launched successfully. agentId: x (internal)
  answer: It runs.
d 09:00:05 S/x
  after b
  result t2: quiet
  answer: Nothing happened.
e 09:00:06 S
  after c
  user: and now?
  call t3 SendMessage: again
f 09:00:07 S/x
  after d
  user: Look again.
  answer: Still nothing.
g 09:00:09 S
  after e
  result t3: Still nothing. agentId: x
expect b subagent of a on subtask_1
expect c turn of a on main
expect d turn of b on subtask_1
expect e turn of c on main
expect f turn of d on subtask_1
expect g turn of e on main
