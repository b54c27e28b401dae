// Frames that have come whole, in a ring, and their way into the network, BEAT_BYTES bytes a beat. The place of a frame
// is taken until its result has been sent, so that there are never more of them on the way than places.
module frame_buffer #(
    parameter SLOT_BITS = 2,          // 2**SLOT_BITS places
    parameter FRAME_BYTES = 64,
    parameter BEAT_BYTES = 1          // divides FRAME_BYTES
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [15:0]             write_index,
    input  wire [7:0]              write_data,
    input  wire                    write,
    input  wire                    accept,    // the written frame is whole: the next one goes to the next place
    input  wire [15:0]             number,  // … and its number
    input  wire                    release_slot, // the result of the oldest frame has been sent
    output wire                    room,
    output wire [15:0]             oldest,    // the number of that frame
    output wire [8*BEAT_BYTES-1:0] out_data,
    output wire                    out_valid,
    output wire                    out_last,
    input  wire                    out_ready
);
    localparam INDEX_BITS = FRAME_BYTES > 1 ? $clog2(FRAME_BYTES) : 1;
    localparam SLOTS = 1 << SLOT_BITS;
    localparam LANE_BITS = $clog2(BEAT_BYTES + 1);

    reg [7:0] bytes [0:(SLOTS << INDEX_BITS)-1];
    reg [15:0] numbers [0:SLOTS-1];
    reg [SLOT_BITS-1:0] write_slot, read_slot, oldest_slot;
    reg [SLOT_BITS:0] taken;          // places with a frame that came whole and has no result yet
    reg [SLOT_BITS:0] waiting;        // … that is not all read yet
    assign room = (taken != SLOTS);
    assign oldest = numbers[oldest_slot];

    // Reading: an address, a byte a cycle later, into the lane of the beat that is next.
    reg [INDEX_BITS-1:0] read_index;
    wire final_byte = (read_index == FRAME_BYTES - 1);
    reg fetched;                      // `read_byte` holds a byte
    reg fetched_final;
    reg [7:0] read_byte;
    reg [8*BEAT_BYTES-1:0] beat;
    reg [LANE_BITS-1:0] lanes;        // bytes that the beat has
    reg beat_last;
    wire beat_full = (lanes == BEAT_BYTES);
    assign out_data = beat;
    assign out_valid = beat_full;
    assign out_last = beat_last;
    wire give = out_valid && out_ready;
    wire move = fetched && (!beat_full || give);
    wire fetch = (waiting != 0) && (!fetched || move);

    wire [8*BEAT_BYTES+7:0] longer = {read_byte, beat};
    always @(posedge clk) begin
        if (write) bytes[{write_slot, write_index[INDEX_BITS-1:0]}] <= write_data;
        if (fetch) read_byte <= bytes[{read_slot, read_index}];
        if (accept) numbers[write_slot] <= number;
        if (move) begin
            beat <= longer[8 +: 8*BEAT_BYTES];
            beat_last <= fetched_final;
        end
        if (fetch) fetched_final <= final_byte;
        if (rst) begin
            write_slot <= 0;
            read_slot <= 0;
            oldest_slot <= 0;
            taken <= 0;
            waiting <= 0;
            read_index <= 0;
            fetched <= 1'b0;
            lanes <= 0;
        end else begin
            if (accept) write_slot <= write_slot + 1'b1;
            if (release_slot) oldest_slot <= oldest_slot + 1'b1;
            if (accept && !release_slot) taken <= taken + 1'b1;
            else if (release_slot && !accept) taken <= taken - 1'b1;
            if (accept && !(fetch && final_byte)) waiting <= waiting + 1'b1;
            else if (fetch && final_byte && !accept) waiting <= waiting - 1'b1;
            if (fetch) begin
                read_index <= final_byte ? 0 : read_index + 1'b1;
                if (final_byte) read_slot <= read_slot + 1'b1;
            end
            if (fetch) fetched <= 1'b1;
            else if (move) fetched <= 1'b0;
            if (give) lanes <= move ? 1 : 0;
            else if (move) lanes <= lanes + 1'b1;
        end
    end
endmodule
