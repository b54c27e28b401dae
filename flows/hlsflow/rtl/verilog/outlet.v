// Where groups of Q sums leave a layer, P_OUT values at a time. Sums cannot wait where they are made: a group is let
// in (`reserve`) only while there is room for it.
//
// Without a queue one group is under way at a time. Where groups follow one another faster than that, up to
// 2**QUEUE_BITS of them are on their way or wait in a queue before the drain.
module outlet #(
    parameter Q = 1,
    parameter P_OUT = 1,
    parameter Q_FINAL = 1,     // how many of them are values in a frame's last group
    parameter WIDTH = 21,
    parameter QUEUE_BITS = 0
) (
    input  wire                   clk,
    input  wire                   rst,
    output wire                   room,
    input  wire                   reserve,    // a group's last step goes in; its sums come later
    input  wire                   load,
    input  wire                   load_final,
    input  wire [Q*WIDTH-1:0]     values,
    output wire [P_OUT*WIDTH-1:0] out_data,
    output wire                   out_valid,
    input  wire                   out_ready
);
    wire drained;
    wire drain_load, drain_final;
    wire [Q*WIDTH-1:0] drain_values;
    generate
        if (QUEUE_BITS == 0) begin : single
            reg reserved;
            assign room = !reserved;
            assign drain_load = load;
            assign drain_final = load_final;
            assign drain_values = values;
            always @(posedge clk) begin
                if (rst) reserved <= 1'b0;
                else if (reserve) reserved <= 1'b1;
                else if (drained) reserved <= 1'b0;
            end
        end else begin : queued
            reg [QUEUE_BITS:0] groups;
            wire waiting;
            assign room = !groups[QUEUE_BITS];
            assign drain_load = waiting && (!out_valid || drained);
            fifo #(.WIDTH(Q*WIDTH+1), .DEPTH_BITS(QUEUE_BITS)) queue (
                .clk(clk), .rst(rst), .in_data({load_final, values}), .in_valid(load),
                .out_data({drain_final, drain_values}), .out_valid(waiting), .out_ready(drain_load)
            );
            always @(posedge clk) begin
                if (rst) groups <= 0;
                else if (reserve && !drain_load) groups <= groups + 1'b1;
                else if (drain_load && !reserve) groups <= groups - 1'b1;
            end
        end
    endgenerate
    drain #(.Q(Q), .P_OUT(P_OUT), .Q_FINAL(Q_FINAL), .WIDTH(WIDTH)) values_out (
        .clk(clk), .rst(rst), .load(drain_load), .load_final(drain_final), .values(drain_values),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready), .drained(drained)
    );
endmodule
