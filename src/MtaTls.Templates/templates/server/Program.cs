var builder = WebApplication.CreateBuilder(args);

// Every HTTPS endpoint also speaks MTA-TLS. Clients without it get ordinary HTTPS.
builder.WebHost.UseMtaTls();
builder.Services.AddHealthChecks().AddMtaTls();

var app = builder.Build();
app.MapGet("/", () => "Hello, World!");
app.MapHealthChecks("/health");
app.Run();
