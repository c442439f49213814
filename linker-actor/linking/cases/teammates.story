# Teammates get their prompts by mail. What the results call them is not what their requests do.
a 09:00:00 S
  user: Count with a team
  call t1 Agent: count the apples
  call t2 Agent: count the pears
b 09:00:01 S/bob@session-1
  user: <teammate-message teammate_id="team-lead" summary="pears -> number">\ncount the pears\n</teammate-message>\n
  block: <system-reminder>\nOther agents active in this session: main, alice.\n</system-reminder>
  answer: Nine.
c 09:00:02 S/alice@session-1
  user: <teammate-message teammate_id="team-lead">\ncount the apples\n</teammate-message>
  answer: Seven.
d 09:00:03 S
  after a
  result t1: Spawned successfully.\nagent_id: aalice-cdb60bfb\nname: alice\nThe agent is now running.
  result t2: Spawned successfully.\nagent_id: abob-f8ca6c18\nname: bob\nThe agent is now running.
  answer: They count.
e 09:00:04 S
  after d
  user: Another Claude session sent a message:\n<teammate-message teammate_id="bob">\nnine\n</teammate-message>
expect b subagent of a on subtask_2 task t2 by agent_prompt
expect c subagent of a on subtask_1 task t1 by agent_prompt
expect d turn of a on main
expect e turn of d on main
