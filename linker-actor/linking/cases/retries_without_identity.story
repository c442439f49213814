# Without identity: an attempt only of what did not complete, within ten minutes.
a 09:00:00 -
  user: hi
  fails
b 09:09:59 -
  user: hi
  fails
c 09:20:00 -
  user: hi
  answer: Hello.
d 09:20:01 -
  user: hi
  answer: Hello.
e 09:20:05 -
  after d
  user: go on
  answer: Yes.
f 09:20:06 -
  upto e
  answer: No.
expect a root
expect b attempt of a
expect c root apart a
expect d root apart c
expect e turn of d on main
expect f turn of d on branch_092006
