namespace MtaTls.Protocol.Tests;

/// <summary>Section 2.1.1 and docs/mta-tls-wire.md "Packets": opening channels.</summary>
public class OpeningTests
{
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    [Fact]
    public async Task A_request_is_sent_as_the_draft_writes_it_and_success_opens_the_channel()
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client);
        Task<MtaTlsChannel> opening = peer.Session.OpenChannelAsync(new("192.0.2.1", 7), new("app.example", 443)).AsTask();
        var request = ChannelEstablishmentRequest.Read((await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).Body);
        Assert.Equal(0, request.SenderChannelId & 0x8000);
        Assert.Equal(262_144u, request.SenderWindowLength);
        Assert.Equal(16_375u, request.SenderMaxPacketLength);
        Assert.Equal("192.0.2.1"u8.ToArray(), request.SourceAddressMachine.ToArray());
        Assert.Equal(7, request.SourcePort);
        Assert.Equal("app.example"u8.ToArray(), request.DestinationAddressMachine.ToArray());
        Assert.Equal(443, request.DestinationPort);

        ushort sender = request.SenderChannelId;
        await peer.SendAsync(RawPeer.Success(sender, 0x8001));
        MtaTlsChannel channel = await opening.WaitAsync(s_hang);
        Assert.Equal(new ChannelId((uint)sender << 16 | 0x8001), channel.Id);
        Assert.Equal(1, peer.Session.ActiveChannels);
    }

    [Fact]
    public async Task Echec_refuses_with_its_reason_made_printable()
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client);
        Task<MtaTlsChannel> opening = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
        RawPacket request = await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest);
        await peer.SendAsync(RawPeer.Echec(request.UInt16(0), "no\r\n\u001b[31mway\u2028" + new string('x', 5000)));
        MtaTlsChannelRefusedException refused = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => opening.WaitAsync(s_hang));
        Assert.StartsWith("no???[31mway?xxx", refused.Reason);
        Assert.Equal(256, refused.Reason.Length);
        Assert.False(refused.IsLocal);
        Assert.Equal(1, peer.Session.GetStatistics().OpensRefusedByPeer);
        Assert.Equal(0, peer.Session.ActiveChannels);
    }

    [Fact]
    public async Task The_receiver_picks_a_half_with_its_own_top_bit_and_a_free_pair()
    {
        await using var peer = RawPeer.Create();
        var ids = new HashSet<uint>();
        for (int i = 0; i < 3; i++)
        {
            // The same sender_channel_id again: it must be unique only among pending requests.
            MtaTlsChannel channel = await peer.OpenAsync(sender: 7);
            Assert.Equal(7, channel.Id.Sender);
            Assert.Equal(0x8000, channel.Id.Receiver & 0x8000);
            Assert.True(ids.Add(channel.Id.Value));
        }
    }

    [Fact]
    public async Task Any_sender_half_is_accepted_from_the_peer()
    {
        await using var peer = RawPeer.Create();
        Assert.Equal(0xFFFF, (await peer.OpenAsync(sender: 0xFFFF)).Id.Sender);
        Assert.Equal(0, (await peer.OpenAsync(sender: 0)).Id.Sender);
    }

    [Fact]
    public async Task A_request_with_the_sender_id_of_an_own_pending_open_is_refused()
    {
        await using var peer = RawPeer.Create();
        Task<MtaTlsChannel> opening = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
        ushort sender = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
        Assert.Equal(0x8000, sender & 0x8000);
        await peer.SendAsync(RawPeer.Request(sender));
        RawPacket refusal = await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Assert.Equal(sender, refusal.UInt16(0));
        await peer.SendAsync(RawPeer.Success(sender, 1));
        await opening.WaitAsync(s_hang);
    }

    [Fact]
    public async Task A_second_request_with_a_pending_sender_id_ends_the_session()
    {
        await using var peer = RawPeer.Create();
        await peer.SendAsync(RawPeer.Request(3), RawPeer.Request(3));
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
        Assert.True(peer.Transport.ResumptionForbidden);
    }

    [Fact]
    public async Task A_success_that_names_a_live_pair_ends_the_session()
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client);
        Task<MtaTlsChannel>[] opening =
            [.. Enumerable.Range(0, 2).Select(_ => peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask())];
        ushort first = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
        ushort second = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
        Assert.NotEqual(first, second);
        await peer.SendAsync(RawPeer.Success(first, 0x8001));
        await opening[0].WaitAsync(s_hang);
        // The request was answered already, so no request with that id is pending.
        await peer.SendAsync(RawPeer.Success(first, 0x8001));
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => opening[1].WaitAsync(s_hang));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_reply_to_no_request_ends_the_session(int type)
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client);
        await peer.SendAsync(type == 2 ? RawPeer.Success(1, 2) : RawPeer.Echec(1, ""));
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("a\r\nb")]
    [InlineData("fe80::1%eth0")]
    public async Task An_address_that_is_no_name_and_no_IP_address_is_refused_and_the_session_goes_on(string host)
    {
        await using var peer = RawPeer.Create();
        await peer.SendAsync(RawPeer.Request(1, host: host), RawPeer.Request(2, host: new string('a', 65_000)));
        Assert.Equal(1, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        Assert.Equal(2, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        await peer.OpenAsync(3);
    }

    [Fact]
    public async Task An_open_that_its_caller_cancelled_stays_pending_and_a_late_success_is_closed_at_once()
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client);
        using var cancel = new CancellationTokenSource();
        Task<MtaTlsChannel> opening = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination, cancel.Token).AsTask();
        ushort sender = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.WaitAsync(s_hang));
        await peer.SendAsync(RawPeer.Success(sender, 0x8005));
        RawPacket close = await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        Assert.Equal(new ChannelId((uint)sender << 16 | 0x8005), close.Id);
        await peer.SendAsync(RawPeer.Confirm(close.Id));
        await peer.SettleAsync();
        Assert.Equal(0, peer.Session.ActiveChannels);
    }

    [Fact]
    public async Task Opens_above_MaxPendingChannels_are_refused_until_others_were_answered()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.MaxPendingChannels = 2);
        await peer.SendAsync(RawPeer.Request(1), RawPeer.Request(2), RawPeer.Request(3));
        Assert.Equal(3, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        Assert.Equal(2, peer.Session.PendingChannels);
        Assert.True(peer.Session.TryAcceptChannel(out MtaTlsChannelRequest? first));
        first.Refuse("later");
        Assert.Equal(1, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        Assert.Throws<InvalidOperationException>(() => first.Accept());
        await peer.SendAsync(RawPeer.Request(4));
        MtaTlsChannelRequest? second = await peer.Session.AcceptChannelAsync();
        MtaTlsChannelRequest? fourth = await peer.Session.AcceptChannelAsync().AsTask().WaitAsync(s_hang);
        Assert.NotNull(second);
        Assert.NotNull(fourth);
        Assert.Equal(2, peer.Session.GetStatistics().OpensRefused);
    }

    [Fact]
    public async Task Opens_that_are_answered_as_they_come_never_count_as_pending()
    {
        var accepted = new List<MtaTlsChannel>();
        await using var peer = RawPeer.Create(configure: o =>
        {
            o.Limits.MaxPendingChannels = 1;
            o.ChannelRequested = request => accepted.Add(request.Accept());
        });
        await peer.SendAsync([.. Enumerable.Range(1, 50).Select(i => RawPeer.Request((ushort)i))]);
        for (int i = 0; i < 50; i++)
        {
            await peer.ReceiveAsync(PacketType.ChannelEstablishmentSuccess);
        }

        Assert.Equal(50, accepted.Count);
    }

    [Fact]
    public async Task Opens_that_a_callback_keeps_do_count_and_one_that_throws_refuses()
    {
        var kept = new List<MtaTlsChannelRequest>();
        await using var peer = RawPeer.Create(configure: o =>
        {
            o.Limits.MaxPendingChannels = 1;
            o.ChannelRequested = request =>
            {
                kept.Add(request);
                if (kept.Count == 2)
                {
                    throw new InvalidOperationException("secret of the network behind");
                }
            };
        });
        await peer.SendAsync(RawPeer.Request(1), RawPeer.Request(2));
        Assert.Equal(2, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        Assert.Single(kept);   // the application did not get the other one
        kept[0].Accept();
        await peer.SendAsync(RawPeer.Request(3));
        RawPacket thrown = await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Assert.Equal(3, thrown.UInt16(0));
        Assert.DoesNotContain("secret", System.Text.Encoding.UTF8.GetString(thrown.Body));
    }

    [Fact]
    public async Task Opens_above_MaxChannelsPerSession_are_refused_on_either_side()
    {
        await using var pair = SessionPair.Create(
            new() { Limits = { MaxChannelsPerSession = 3 } }, new() { Limits = { MaxChannelsPerSession = 2 }, ChannelRequested = static r => r.Accept() });
        MtaTlsChannel first = await OpenAsync();
        await OpenAsync();
        MtaTlsChannelRefusedException byPeer = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(OpenAsync);
        Assert.False(byPeer.IsLocal);
        MtaTlsChannelRefusedException local = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(
            () => pair.Server.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask());
        Assert.True(local.IsLocal);
        Assert.Equal(2, first.Session.ActiveChannels);

        Task<MtaTlsChannel> OpenAsync() => pair.Client.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask().WaitAsync(s_hang);
    }

    [Fact]
    public async Task Either_end_opens_channels_and_opens_that_cross_get_different_ids()
    {
        await using var pair = SessionPair.Create(new() { ChannelRequested = static r => r.Accept() }, new() { ChannelRequested = static r => r.Accept() });
        MtaTlsChannel[] channels = await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            (i % 2 == 0 ? pair.Client : pair.Server).OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask())).WaitAsync(s_hang);
        Assert.Equal(200, channels.Select(c => c.Id).Distinct().Count());
        Assert.All(channels, c => Assert.Equal(c.Session.Role == MtaTlsRole.Server, (c.Id.Sender & 0x8000) != 0));
        Assert.All(channels, c => Assert.NotEqual(c.Id.Sender & 0x8000, c.Id.Receiver & 0x8000));
    }

    [Fact]
    public void Freed_halves_are_reused_least_recently_freed_first_and_shared_when_all_are_taken()
    {
        var halves = new ChannelIdAllocator(MtaTlsRole.Server);
        for (int i = 0; i < 32_768; i++)
        {
            Assert.True(halves.TryTake(static (_, _) => false, 0, out ushort fresh, out bool isShared));
            Assert.Equal(0x8000 | i, fresh);
            Assert.False(isShared);
        }
        halves.Return(0x8005);
        halves.Return(0x8001);
        Assert.True(halves.TryTake(static (_, _) => false, 0, out ushort half, out _));
        Assert.Equal(0x8005, half);
        Assert.True(halves.TryTake(static (_, _) => false, 0, out half, out _));
        Assert.Equal(0x8001, half);
        Assert.True(halves.TryTake(static (_, candidate) => candidate < 0x8003, 0, out half, out bool shared));
        Assert.Equal(0x8003, half);
        Assert.True(shared);
        Assert.False(halves.TryTake(static (_, _) => true, 0, out _, out _));
    }

    [Fact]
    public async Task A_session_holds_more_channels_than_an_end_has_halves()
    {
        const int Channels = 70_000;   // more than 2^16, and more than the 2^15 halves of one end
        MtaTlsSessionOptions Options() => new()
        {
            Limits = { MaxChannelsPerSession = Channels, SessionReceiveBudget = Channels * 4096L },
            ChannelRequested = static request => request.Accept(),
        };
        await using var pair = SessionPair.Create(Options(), Options());
        var ids = new HashSet<ChannelId>();
        for (int i = 0; i < Channels; i += 1000)
        {
            MtaTlsChannel[] opened = await Task.WhenAll(Enumerable.Range(0, 1000).Select(
                _ => pair.Client.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask())).WaitAsync(s_hang);
            Assert.All(opened, channel => Assert.True(ids.Add(channel.Id)));
        }
        Assert.Equal(Channels, pair.Server.ActiveChannels);
    }

    [Fact]
    public async Task After_RefuseNewChannels_the_peers_opens_are_refused_and_open_channels_go_on()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(1);
        peer.Session.RefuseNewChannels();
        Assert.False(peer.Session.AcceptsChannels);
        await peer.SendAsync(RawPeer.Request(2), RawPeer.Data(channel.Id, 1, 2, 3));
        Assert.Equal(2, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        Assert.Equal(3, (await channel.Input.ReadAtLeastAsync(3).AsTask().WaitAsync(s_hang)).Buffer.Length);
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask());
    }
}
