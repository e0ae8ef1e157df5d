-- Answers to findings that held sources back -> approval_taken.
CREATE OR REPLACE TEMP TABLE approval_taken AS FROM warehouse.ops.approval;
