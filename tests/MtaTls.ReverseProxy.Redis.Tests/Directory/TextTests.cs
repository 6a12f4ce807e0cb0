using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Directory;

namespace MtaTls.ReverseProxy.Redis.Tests.Directory;

/// <summary>Parsing of texts in Redis. A client that can write to Redis may write anything.</summary>
public sealed class TextTests
{
    [Fact]
    public void A_member_is_read_as_it_was_written()
    {
        AgentMember agent = new("plant7.internal", "gw-a", "0123456789abcdef", "plant7-a", 16);
        Assert.True(DirectoryMember.TryParse("plant7.internal", DirectoryMember.Format(agent, 7), out DirectoryMember member));
        Assert.Equal(new DirectoryMember(agent, 7), member);
    }

    [Theory]
    [InlineData("")]
    [InlineData("gw-a")]
    [InlineData("gw-a|7|id|1")]
    [InlineData("gw-a|7|id|1|agent|more")]
    [InlineData("gw-a|0|id|1|agent")]
    [InlineData("gw-a|-1|id|1|agent")]
    [InlineData("gw-a|+1|id|1|agent")]
    [InlineData("gw-a|99999999999999999999|id|1|agent")]
    [InlineData("gw-a|7|id|0|agent")]
    [InlineData("gw-a|7|id|17|agent")]
    [InlineData("gw\r\na|7|id|1|agent")]
    [InlineData("gw-a|7|i\nd|1|agent")]
    [InlineData("gw-a|7|id|1|age\rnt")]
    [InlineData("gw-a|7||1|agent")]
    [InlineData("|7|id|1|agent")]
    public void Invalid_members_are_rejected(string text) => Assert.False(DirectoryMember.TryParse("plant7.internal", text, out _));

    [Fact]
    public void A_node_is_read_as_it_was_written()
    {
        MtaTlsNode node = new("gw-a", 7, new Uri("https://10.0.0.11:9443"), true);
        Assert.Equal(node, NodeText.Parse("gw-a", NodeText.Format(node)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7|https://10.0.0.11:9443/")]
    [InlineData("0|https://10.0.0.11:9443/|serving")]
    [InlineData("7|http://10.0.0.11:9443/|serving")]
    [InlineData("7|https://user@10.0.0.11:9443/|serving")]
    [InlineData("7|https://10.0.0.11:9443/path|serving")]
    [InlineData("7|https://10.0.0.11:9443/|other")]
    public void Invalid_nodes_are_rejected(string text) => Assert.Null(NodeText.Parse("gw-a", text));

    [Fact]
    public void Messages_tell_which_node_or_names_have_changed()
    {
        Assert.True(ChangeMessage.TryParse(ChangeMessage.OfNode("gw-a"), out string node, out IReadOnlyList<string> names));
        Assert.Equal("gw-a", node);
        Assert.Empty(names);
        Assert.True(ChangeMessage.TryParse(ChangeMessage.OfNames("gw-a", ["a.internal", "b.internal:22"]), out node, out names));
        Assert.Equal(["a.internal", "b.internal:22"], names);
    }

    [Theory]
    [InlineData("")]
    [InlineData("gw-a")]
    [InlineData("gw-a|x")]
    [InlineData("gw-a|a")]
    [InlineData("gw-a|a|")]
    [InlineData("gw-a|a|Upper.internal")]
    [InlineData("gw-a|a|a\r\nb")]
    [InlineData("gw\na|n")]
    [InlineData("gw-a|n|more")]
    public void Invalid_messages_are_rejected(string text) => Assert.False(ChangeMessage.TryParse(text, out _, out _));

    [Fact]
    public void A_message_has_at_most_a_hundred_names()
    {
        IEnumerable<string> names = Enumerable.Range(0, ChangeMessage.MaxNames + 1).Select(static i => $"n{i}.internal");
        Assert.False(ChangeMessage.TryParse(ChangeMessage.OfNames("gw-a", names), out _, out _));
        Assert.True(ChangeMessage.TryParse(ChangeMessage.OfNames("gw-a", names.Skip(1)), out _, out _));
    }
}
