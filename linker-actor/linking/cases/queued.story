# A prompt sent while a tool runs stands behind the tool's result.
a 09:00:00 S
  user: run it
  call t1 Bash: make
b 09:00:05 S
  after a
  result t1: ok
  block: The user sent a new message while you were working: and test it
  answer: Tested.
c 09:00:09 S
  after b
  rewrite split
  user: good
expect b turn of a on main
expect c turn of b on main
