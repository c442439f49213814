# A class that newer clients send for what they reply aside.
a 09:00:00 s1
  class main
  user: Count the apples
  answer: Seven.
b 09:00:05 s1
  class side_reply
  after a
  user: What was counted?
  answer: Apples.
c 09:00:20 s1
  class main
  after a
  user: Now the pears
expect b auxiliary
expect c turn of a on main
