# A call or its result comes twice in one history: the first one counts.
a 09:00:00 -
  user: look
  call t1 Bash: ls
b 09:00:01 -
  after a
  result t1: notes
  answer: Notes.
c 09:00:02 -
  after b
  rewrite doubled
  user: go on
  answer: On.
d 09:00:03 -
  after b
  user: go on
  assistant: On.
  result t1: something else
  block: the end
expect b turn of a on main
expect c turn of b on main
expect d turn of c on main
