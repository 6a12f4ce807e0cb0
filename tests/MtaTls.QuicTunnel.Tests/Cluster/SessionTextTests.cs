using MtaTls.QuicTunnel.Redis.Directory;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>The texts in the directory: those of sessions, and those of concentrators.</summary>
public class SessionTextTests
{
    [Theory]
    [InlineData("gw-a|7|", true)]
    [InlineData("gw-a|7|e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", true)]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("gw-a|7", false)]
    [InlineData("gw-a|7||", false)]
    [InlineData("|7|", false)]
    [InlineData("gw a|7|", false)]
    [InlineData("gw\ra|7|", false)]
    [InlineData("gw-a|0|", false)]
    [InlineData("gw-a|-1|", false)]
    [InlineData("gw-a| 7|", false)]
    [InlineData("gw-a|99999999999999999999|", false)]
    [InlineData("gw-a|7|E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", false)]
    [InlineData("gw-a|7|e3b0", false)]
    public void An_entry_is_exactly_one_or_none(string? text, bool isOne)
    {
        var entry = SessionText.Parse(text);
        Assert.Equal(isOne, entry is not null);
        Assert.Equal(isOne ? text : null, entry?.Format());
    }

    [Theory]
    [InlineData("7", true, null)]
    [InlineData("7|10.0.0.11:4434", true, "10.0.0.11:4434")]
    [InlineData("7|[fd00::11]:4434", true, "[fd00::11]:4434")]
    [InlineData("7|", false, null)]
    [InlineData("7|10.0.0.11", false, null)]
    [InlineData("7|0.0.0.0:4434", false, null)]
    [InlineData("7|10.0.0.11:0", false, null)]
    [InlineData("7|host:4434", false, null)]
    [InlineData("|10.0.0.11:4434", false, null)]
    [InlineData("0|10.0.0.11:4434", false, null)]
    [InlineData(null, false, null)]
    public void A_lease_has_an_epoch_and_perhaps_an_address(string? text, bool isOne, string? address)
    {
        var lease = LeaseText.Parse(text);
        Assert.Equal(isOne, lease is not null);
        Assert.Equal(address, lease?.Address);
        Assert.Equal(isOne ? text : null, lease?.Format());
    }
}
