import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('nodes', '0004_history'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('name', models.CharField(blank=True, help_text='empty: the machine says it', max_length=48)),
                ('slots', models.PositiveIntegerField(blank=True, help_text='what runs at once', null=True)),
                ('labels', models.JSONField(blank=True, default=dict)),
                ('capabilities', models.JSONField(blank=True, default=list)),
                ('channels', models.JSONField(blank=True, default=list, help_text='whose releases it runs')),
                ('made_by', models.CharField(blank=True, max_length=150)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('node', models.CharField(blank=True, help_text='who joined with it', max_length=48)),
                ('nonce', models.CharField(blank=True, editable=False, max_length=64)),
                ('generation', models.PositiveIntegerField(blank=True, editable=False, null=True)),
            ],
            options={
                'verbose_name': 'invitation',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='NodeCredential',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64, unique=True)),
                ('generation', models.PositiveIntegerField(default=1, help_text='grows with every invitation used; keys of earlier ones are dead')),
                ('invited_by', models.CharField(blank=True, max_length=150)),
                ('joined_at', models.DateTimeField(blank=True, null=True)),
                ('joined_from', models.CharField(blank=True, help_text='the address it came from', max_length=64)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_by', models.CharField(blank=True, max_length=150)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
    ]
