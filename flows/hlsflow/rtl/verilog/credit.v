// Counts the frames that are in a pipeline or in the queue behind it, so that the queue never overflows.
module credit #(
    parameter LATENCY = 1,     // cycles from `enter` to `leave`
    parameter DEPTH_BITS = 4   // the queue holds 2**DEPTH_BITS frames
) (
    input  wire clk,
    input  wire rst,
    input  wire enter,
    output wire leave,         // a frame comes out of the pipeline
    input  wire taken,         // a frame was taken from the queue
    output wire ready
);
    reg [LATENCY-1:0] valid;
    reg [DEPTH_BITS:0] frames;
    assign leave = valid[LATENCY-1];
    assign ready = !frames[DEPTH_BITS];
    wire [LATENCY:0] shifted = {valid, enter};

    always @(posedge clk) begin
        if (rst) begin
            valid <= {LATENCY{1'b0}};
            frames <= 0;
        end else begin
            valid <= shifted[LATENCY-1:0];
            if (enter && !taken) frames <= frames + 1'b1;
            else if (taken && !enter) frames <= frames - 1'b1;
        end
    end
endmodule
