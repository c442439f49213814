# The stable part of the system prompt decides between equals; git status and date have no say.
a 09:00:00 -
  prompt: You sort apples.\n# Environment: Monday
  user: hi
  answer: Hello.
b 09:00:01 -
  prompt: You count pears.
  user: hi
  answer: Hello.
c 09:00:02 -
  prompt: You sort apples.\n# Environment: Tuesday
  after a
  user: go on
expect b root apart a
expect c turn of a on main
