# Another model: reminders turn from messages of the system into text, thinking goes, and back.
a 09:00:00 -
  system: # Environment
  user: look
  answer: I look.
  call t1 Bash: ls
b 09:00:01 -
  user: <system-reminder># Environment</system-reminder>
  block: look
  assistant: I look.
  calls t1 Bash: ls
  result t1: notes
  block: <system-reminder>7 tokens left</system-reminder>
  answer: Notes.
c 09:00:02 -
  after b
  system: You are powered by another model.
  user: and again
  answer: Again.
d 09:00:03 -
  after c
  rewrite thinking
  rewrite reminders
  user: and back
expect b turn of a on main
expect c turn of b on main
expect d turn of c on main
