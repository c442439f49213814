# Behind the prompt for a summary the client puts a reminder; the summary comes plain.
a 09:00:00 -
  user: sort
  answer: Sorted.
k 09:00:10 -
  after a
  user: Your task is to create a detailed summary of the conversation so far
  block: <system-reminder>The todo list is empty.</system-reminder>
  answer: The user asked for the apples to be sorted by colour; they were, and nothing else is left to do.
c 09:00:20 -
  user: This session is being continued from a previous conversation that ran out of context. The conversation is summarized below:\nThe user asked for the apples to be sorted by colour; they were, and nothing else is left to do.
  answer: on
expect c compact of k on compact_090020 by summary
