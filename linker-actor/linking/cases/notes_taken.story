# Clients up to 2.0 take notes of the session behind the whole history.
a 09:00:00 ~s1
  user: Count the apples
  answer: Seven.
b 09:00:05 ~s1
  after a
  user: IMPORTANT: This message and these instructions are NOT part of the actual user conversation. Do NOT include any references to "note-taking" in the notes content.
  call t1 Edit: notes
c 09:00:06 ~s1
  after b
  result t1: edited
  answer: Done.
d 09:00:20 ~s1
  after a
  user: Now the pears
  answer: Nine.
expect b auxiliary
expect c auxiliary
expect d turn of a on main
