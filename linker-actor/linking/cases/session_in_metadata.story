# Clients that name the session in the metadata alone: it ties as a header does, but a repeat is told by its failure.
a 09:00:00 ~S
  user: hi
  answer: Hello.
b 09:00:01 ~T
  user: hi
  answer: Hello.
c 09:00:02 ~S
  after a
  user: next
  fails
d 09:00:03 ~S
  upto c
  answer: Next.
e 09:00:04 ~S
  upto d
  answer: Other.
expect b root apart a
expect c turn of a on main by agent_prefix
expect d attempt of c on main by repeat
expect e turn of a on branch_090004
