# An SDK user who trims the oldest messages, with a session: the session keeps it together.
a 09:00:00 {S}
  user: one
  answer: 1
b 09:00:01 {S}
  after a
  user: two
  answer: 2
c 09:00:02 {S}
  user: two
  assistant: 2
  user: three
  answer: 3
d 09:00:03 {S}
  user: three
  assistant: 3
  user: four
expect b turn of a on main
expect c turn of b on main by session
expect d turn of c on main by session
