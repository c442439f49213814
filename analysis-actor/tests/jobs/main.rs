//! The role at work: a fresh store, a scripted Gemini.

mod answers;
mod corpus;
mod queue;
mod rig;
