# Strings and lists, reminders, system messages, thinking, CRLF and merged texts change nothing.
a 09:00:00 -
  user: look
  answer: I look.
  call t1 Bash: ls
b 09:00:01 -
  after a
  result t1: notes
  rewrite blocks
  rewrite reminders
  answer: Notes.
c 09:00:02 -
  after b
  system: # Environment
  user: and again
  rewrite strings
  answer: Again.
d 09:00:03 -
  after c
  rewrite crlf
  rewrite thinking
  user: [Request interrupted by user]
  user: once more
  answer: Done.
e 09:00:04 -
  after d
  rewrite merge
  user: the end
f 09:00:05 -
  after d
  rewrite doubled
  user: another end
expect b turn of a on main
expect c turn of b on main
expect d turn of c on main
expect e turn of d on main
expect f turn of d on branch_090005
