# A killed answer may become a synthetic text.
a 09:00:00 S
  user: start
  cut
b 09:00:05 S
  upto a
  assistant: No response requested.
  user: go on
  answer: On.
expect b turn of a on main
