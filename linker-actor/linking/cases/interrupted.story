# A prompt interrupted before its answer: the next one is appended to the same message.
a 09:00:00 S
  user: start
  answer: Sta
  cut
b 09:00:05 S
  upto a
  block: [Request interrupted by user]
  block: do this instead
  answer: This.
c 09:00:09 S
  after b
  user: good
expect b turn of a on main
expect c turn of b on main
