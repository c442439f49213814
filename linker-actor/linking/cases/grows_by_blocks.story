# The history grows by blocks: messages merge and split, and text is appended to the last one.
a 09:00:00 -
  user: look
  call t1 Bash: ls
b 09:00:01 -
  after a
  result t1: notes
  block: and be quick
  answer: Notes.
c 09:00:02 -
  after b
  rewrite split
  user: go on
  answer: On.
d 09:00:03 -
  after c
  rewrite merge
  user: once more
  call t2 Bash: cat
e 09:00:04 -
  after d
  result t2: text
  block: Your task is to create a detailed summary of the conversation so far
expect b turn of a on main
expect c turn of b on main
expect d turn of c on main
expect e turn of d on main
