-- Writes the answers read by take_approvals.sql.
INSERT INTO warehouse.ops.approval BY NAME FROM approval_taken;
