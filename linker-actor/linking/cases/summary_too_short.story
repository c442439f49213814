# A summary too short to tell is no match; the session still is.
k 09:00:00 -
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>Short.</summary>
c 09:00:10 -
  user: This session is being continued from a previous conversation that ran out of context. Summary: Short.
l 09:00:00 S
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>Short.</summary>
d 09:00:10 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: Short.
expect c root apart k
expect d compact of l by summary_header
