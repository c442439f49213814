# Older clients summarise without tags, under a system prompt of its own and without tools.
a 09:00:00 ~S
  user: sort the apples
  answer: Sorted.
k 09:00:20 ~S
  after a
  plain
  prompt: You are a helpful AI assistant tasked with summarizing conversations.
  user: Your task is to create a detailed summary of the conversation so far, paying close attention
  answer: The user asked for the apples to be sorted by colour; they were, and nothing else is left to do.
c 09:00:30 ~S
  user: This session is being continued from a previous conversation that ran out of context. The conversation is summarized below: The user asked for the apples to be sorted by colour; they were, and nothing else is left to do. Please continue the conversation from where we left it off.
  answer: Continuing.
d 09:00:40 ~S
  after c
  user: thanks
expect k turn of a on main
expect c compact of k on compact_090030 by summary
expect d turn of c on compact_090030
