# A resumed client warms the cache: the history again for one token, with all tools.
a 09:00:00 s1
  user: Count the apples
  answer: Seven.
b 09:00:05 s1
  after a
  user: Now the pears
  answer: Nine.
c 10:30:00 s1
  upto b
  max_tokens 1
  answer: N
d 10:31:00 s1
  after b
  user: And the plums
  answer: None.
expect b turn of a on main
expect c auxiliary
expect d turn of b on main
