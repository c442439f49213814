# A plain call without tools or system prompt is a conversation of its own, and goes on as one.
a 09:00:00 -
  plain
  user: What is a monad?
  answer: A burrito.
b 09:00:05 -
  plain
  after a
  user: Be serious.
c 09:00:09 -
  plain
  user: Warmup
expect a root on main
expect b turn of a on main
expect c root apart a
