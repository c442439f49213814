# The mark for the prompt cache stands at the end of every request: it moves, and changes nothing.
a 09:00:00 -
  user: look
  rewrite cached
  answer: I look.
  call t1 Bash: ls
b 09:00:01 -
  after a
  result t1: notes
  rewrite cached
  answer: Notes.
c 09:00:02 -
  after b
  user: and again
  rewrite cached
expect b turn of a on main by domain_prefix
expect c turn of b on main by domain_prefix
